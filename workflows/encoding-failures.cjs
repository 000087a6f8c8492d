// Failures whose texts and stacks are payloads, so that payload codecs encode them as well. Plain JavaScript, because Temporal's client and
// worker load it by its path, and the workflow bundle has it under its own name. Used by: `dev-servers/data-converter.ts`.
const { DefaultFailureConverter } = require('@temporalio/common');

exports.failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });
