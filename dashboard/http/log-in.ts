/** The way in by a token: a form, and the cookie that it brings. */
import { foreignOrigin, type Access } from './access.ts';
import { fieldsOf } from './fields.ts';
import { html, type Html } from '../html.ts';
import { page } from '../layout.ts';
import type { Link } from '../link.ts';
import type { Responses } from './responses.ts';
import type { Said } from './said.ts';

export function createLogIn(access: Access, link: Link, cookiePath: string, { answer, note, to }: Responses) {
  const form = (said?: Said): Html =>
    page({ title: 'Come in', link, at: '?', visitor: undefined, said }, [
      {
        id: 'login',
        content: access.hasTokens
          ? html`<form method="post" action="${link(['login'])}">
              <p class="field">
                <label for="token">Token</label>
                <input id="token" name="token" type="password" required autocomplete="current-password" />
              </p>
              <p><button>Come in</button></p>
            </form>`
          : html`<p>This page is open to those whom the app that it is part of lets in.</p>`,
      },
    ]);
  return {
    show: () => answer(form()),
    enter: async (request: Request): Promise<Response> => {
      const foreign = foreignOrigin(request);
      if (foreign !== undefined) return note(403, 'Refused', foreign);
      const { token = '' } = await fieldsOf(request);
      const isSecure =
        new URL(request.url).protocol === 'https:' || request.headers.get('x-forwarded-proto') === 'https';
      const cookie = access.enter(token, isSecure, cookiePath);
      if (cookie !== undefined) return to(link([]), { 'set-cookie': cookie });
      return answer(form({ text: 'This token is not right.', isError: true }), 401);
    },
  };
}
