/**
 * What one account shows in the TLS handshake of its calls. Like all secrets of it, it is in the credential store and in the memory of an
 * activity, nowhere else. Next: `providers/auth/mtls.ts` reads it, `activities/http/agents.ts` keeps its connections apart.
 */
export interface ClientCertificate {
  /** PEM, with what lies between it and its authority. */
  readonly certificate: string;
  /** PEM. */
  readonly key: string;
  readonly passphrase?: string;
  /** PEM of the authorities that the third party's own certificate may be of. Default: the public ones. */
  readonly ca?: string;
  /** ISO times between which it is good. */
  readonly validFrom: string;
  readonly validTo: string;
}

/** @returns why it can't be shown now, in words; undefined when it can. */
export function certificateOver({ validFrom, validTo }: ClientCertificate, nowMs: number): string | undefined {
  if (nowMs >= Date.parse(validTo)) return `its client certificate ended at ${validTo}: connect it with a new one`;
  return nowMs < Date.parse(validFrom) - LEEWAY_MS
    ? `its client certificate begins at ${validFrom}: connect it again with one that is good now`
    : undefined;
}

/** Clocks differ: one that was made just now is good. */
const LEEWAY_MS = 300_000;
