/**
 * What third parties call the place in a list that they give out: a cursor, or a token of something that is no account. One
 * list of words, so that what is taken for the death of a cursor is never taken for that of an account's token. Pure.
 * Used by: `told-token.ts`, `providers/pagination/dead-cursor.ts`.
 */

/** Tokens by the word before them: "pagination token", `nextPageToken`, `resumptionToken`. */
export const TOKEN_OF_PLACE =
  '(?:pag(?:e|ing|ination|er)|sync|next|previous|skip|delta|continuation|resum(?:e|ption)|scroll|cursor|offset|iterator|position|change|history|stream)';

/** All of them, as a pattern for any case. */
export const PLACE = String.raw`(?:${TOKEN_OF_PLACE}[ _-]?token|cursor|continuation|scroll[ _-]?(?:id|param\w*)|search[ _-]context|query[ _-]?locator|iterator|bookmark|starting[ _-]?(?:after|key))`;
