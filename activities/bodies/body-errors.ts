/** Why a body can't be taken. Used by: whatever reads bodies. */

export class BodyTooLarge extends Error {}
export class BodyUnreadable extends Error {}
/** What was read of it before is not its beginning any more. */
export class BodyChanged extends Error {}
