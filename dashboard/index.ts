// The page on which people see what goes on, and act. Imports the client and hono. Start with create-dashboard.ts, then routes.ts.
export { createDashboard, type Dashboard } from './create-dashboard.ts';
export type { DashboardOptions } from './dashboard-options.ts';
export { connectAddressOf, type ConnectAddress, type ToConnect } from './connect-address.ts';
export type { GivenDefinitions } from './definitions.ts';
export { serveDashboard, type ServedDashboard, type ServeOptions } from './http/serve.ts';
export type { Authorize, Role, Tokens, Visitor } from './http/access.ts';
