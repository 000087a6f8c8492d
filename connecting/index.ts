// Users connect their accounts in a browser. Imports the client, activities and the limiter. Start with create-connecting.ts.
export { createConnecting, type ConnectingHandlers, type ConnectingOptions } from './create-connecting.ts';
export type { LoginLog, Who } from './login-parts.ts';
export type { Connected, LoginOutcome, NotConnected, WhyNot } from './outcome.ts';
