/** What can be done to an account at one provider. Next: `dashboard/acts/account-acts.ts`. */
import type { AccountDetails } from '../../../client/index.ts';
import type { Html } from '../../html.ts';
import { actButtons } from '../../parts/act-buttons.ts';
import type { ViewContext } from '../../view.ts';

export function accountOffers(context: ViewContext, { provider, account, tenant, status }: AccountDetails): Html {
  return actButtons(
    context,
    [
      context.definitions.syncsAt(provider).length > 0 && { act: 'start-sync', words: 'Start a sync …' },
      status === 'needs_reconnect' && { act: 'say-reconnected', words: 'It is connected again …' },
      { act: 'erase-account', words: 'Erase …', isDanger: true },
    ],
    { provider, account, tenant: tenant ?? undefined },
    `What can be done to ${account} at ${provider}`,
  );
}
