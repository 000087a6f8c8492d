/**
 * The environment of the programs that are run for development: what they need of the caller's, and none of its keys and passwords.
 * Others on the machine may read a process's environment, and Postgres may run as another user. Used by everything that starts one.
 */

/** Where programs, folders, time, language and certificates are, and how a network is reached. */
const NEEDED =
  /^(PATH|HOME|TMPDIR|TMP|TEMP|TZ|LANG|LC_\w+|LD_LIBRARY_PATH|DYLD_\w+|XDG_(CACHE|CONFIG)_HOME|SSL_CERT_(FILE|DIR))$/;
/** Installers besides: proxies and registries of this network. */
const OF_INSTALLERS =
  /^((https?|all|no)_proxy|(HTTPS?|ALL|NO)_PROXY|PIP_\w+|UV_\w+|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE)$/;

/** For a server. */
export function serverEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return picked(env, (name) => NEEDED.test(name));
}

/** For a program that fetches or unpacks. */
export function installerEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return picked(env, (name) => NEEDED.test(name) || OF_INSTALLERS.test(name));
}

function picked(env: NodeJS.ProcessEnv, isNeeded: (name: string) => boolean): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => isNeeded(name)));
}
