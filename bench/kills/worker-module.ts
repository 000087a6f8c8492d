/**
 * What the workers serve that are killed: one action, with the access token of one account of the PDS.
 */
import { blueskyPosts } from '../../providers/bluesky/create-post.ts';

export const { createPost } = blueskyPosts();

export const credentials = {
  get: () => Promise.resolve({ accessToken: process.env['KILLS_TOKEN'] ?? '' }),
};
