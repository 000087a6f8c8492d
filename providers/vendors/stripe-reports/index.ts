// Reports of Stripe. `sluice/providers/stripe-reports`; docs/guides/providers.md. Imports the provider that it adds lists to. Start with activity.ts.
export { Activity, activity, REPORT_TYPE, ReportRun, ReportType, reportTypes } from './activity.ts';
export { stripeActivitySync } from './sync.ts';
