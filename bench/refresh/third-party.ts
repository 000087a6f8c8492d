/**
 * The third party of `bench/refresh.ts`, in a process of its own: one slow list for each account, behind tokens that end soon
 * and refresh tokens that rotate; a second use of one revokes everything, so a single race between workers shows.
 */
import type { FakeApi, OAuthHandle } from '../../testing/index.ts';

export interface ThirdPartyArgs {
  readonly tokenMs: number;
  /** Pages of a list, one row each. */
  readonly pages: number;
  /** How long a page takes. */
  readonly pageMs: number;
}

let oauth: OAuthHandle;

export function install(api: FakeApi, { tokenMs, pages, pageMs }: ThirdPartyArgs): void {
  oauth = api.oauth({ accessLifeMs: tokenMs, rotatesRefresh: true, detectsReuse: true });
  api.list('/users/:id/items', {
    count: pages,
    itemAt: ({ id }, index) => ({ id: `${id}-${index}` }),
    pageSize: { max: 1 },
    msPerRow: pageMs,
  });
}

export const commands = {
  issue: (_: FakeApi, accounts: readonly string[]) => accounts.map((account) => oauth.issue(account)),
  tokens: (_: FakeApi, accounts: readonly string[]) => accounts.map((account) => oauth.account(account)),
};
