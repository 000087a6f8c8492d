/** What can be done to an account at one provider. Next: `account-acts.ts`. */
import type { AccountDetails } from '../../client/index.ts';
import { html, type Html } from '../html.ts';
import { actButtons } from '../parts/act-buttons.ts';
import type { ViewContext } from '../view.ts';

export function accountOffers(
  { link, visitor, definitions }: ViewContext,
  { provider, account, tenant, status }: AccountDetails,
): Html {
  if (visitor.role !== 'operate') return html``;
  return actButtons(
    link,
    [
      definitions.syncsAt(provider).length > 0 && { act: 'start-sync', words: 'Start a sync …' },
      status === 'needs_reconnect' && { act: 'say-reconnected', words: 'It is connected again …' },
      { act: 'erase-account', words: 'Erase …', isDanger: true },
    ],
    { provider, account, tenant: tenant ?? undefined },
    `What can be done to ${account} at ${provider}`,
  );
}
