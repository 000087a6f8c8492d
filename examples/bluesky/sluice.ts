/**
 * What the demo's workers serve: the network of one PDS, with the limit that its operator stated.
 */
import { blueskyNetwork } from '../../providers/bluesky/network.ts';

const limit = Number(process.env['BLUESKY_LIMIT'] ?? 3_000);
const windowSeconds = Number(process.env['BLUESKY_WINDOW_SECONDS'] ?? 300);

export const network = blueskyNetwork({ max: limit, perMs: windowSeconds * 1_000 });
