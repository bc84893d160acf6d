// Proxy authentication with user and password (RFC 7617): in Proxy-Authorization for a proxy, in Authorization for a
// reverse proxy, or by the SOCKS login.
import { now as clock } from "../clock.ts";
import { parseBasic } from "../flow/basic-credentials.ts";
import type { ClientConnection } from "../flow/connection.ts";
import type { HttpFlow } from "../flow/flow.ts";
import type { Response } from "../flow/message.ts";
import { OWN_CHALLENGE } from "../flow/proxy-challenge.ts";
import { standardReason } from "../flow/reason.ts";
import { sessionNameOf } from "../flow/session.ts";
import { after } from "../maybe-async.ts";
import type { OptionTable, OptionValues } from "../options.ts";
import type { ProxyAuthenticator } from "./authenticator.ts";
import type { HookContext } from "./context.ts";
import type { Decision } from "./decision.ts";
import type { Hook } from "./hook.ts";
import { makeResponse } from "./make-response.ts";
import { createVerify } from "./proxy-auth/verify.ts";

export const options = {
	proxyauth: {
		type: "string",
		default: null,
		metavar: "USERS",
		help: "Require a user and password from clients: any, USER:PASSWORD, @HTPASSWD-FILE, or ldap[s]:HOST[:PORT]:DN:PASSWORD:SUBTREE[?search_filter_key=KEY].",
	},
} as const satisfies OptionTable;

const NAME = "proxy-auth";

export interface ProxyAuth extends Hook, ProxyAuthenticator {
	readonly name: typeof NAME;
}

/** Whether a hook is the proxy authentication. */
export function isProxyAuth(hook: Hook): hook is ProxyAuth {
	return hook.name === NAME;
}

/** @throws FlowtapeError FT_BAD_OPTION, FT_UPSTREAM */
export async function createProxyAuth(
	{ proxyauth: spec }: OptionValues<typeof options>,
	{ log, now = clock }: HookContext,
): Promise<ProxyAuth | null> {
	if (spec === null || spec === "") return null;
	const verify = await createVerify(spec, (message) => log?.("warning", message));
	/** The user of each admitted connection. */
	const admitted = new WeakMap<ClientConnection, string>();

	const admit = async (client: ClientConnection, user: string, password: string): Promise<boolean> => {
		const isRight = await verify(user, password, () => client.timestampEnd === null);
		if (isRight) admitted.set(client, user);
		return isRight;
	};
	const noteUser = (flow: HttpFlow, user: string): void => {
		// Without the password, because flows are stored and shown to others.
		flow.metadata.proxyauth = user;
		flow.session ??= sessionNameOf(user);
	};

	return {
		name: NAME,
		liveOnly: true,
		leavesRequest: true,
		admit,
		async admitByHeader(client, header) {
			const credentials = parseBasic(header);
			return credentials !== null && admit(client, ...credentials);
		},
		challenge: () => makeChallenge(true, now()),
		requestheaders(flow, decision) {
			const { clientConn, request } = flow;
			const known = admitted.get(clientConn);
			if (known !== undefined) {
				decision.proxyAuthorization = null;
				noteUser(flow, known);
				return;
			}
			if (flow.isReplay === "request") return;
			const isProxy = /^(?:regular|upstream)\b/i.test(clientConn.proxyMode);
			const header = isProxy ? "proxy-authorization" : "authorization";
			decision.takesAuthorization = !isProxy;
			const credentials = parseBasic(
				isProxy ? (decision.proxyAuthorization ?? request.headers.get(header)) : request.headers.get(header),
			);
			return after(credentials !== null && verify(...credentials, () => flow.error === null), (isRight) => {
				// Credentials for this proxy, right or wrong, are neither forwarded nor recorded.
				request.headers.delete(header);
				flow.original?.headers.delete(header);
				decision.proxyAuthorization = null;
				if (credentials === null || !isRight) refuse(decision, isProxy, now());
				else noteUser(flow, credentials[0]);
			});
		},
	};
}

function refuse(decision: Decision, isProxy: boolean, now: number): void {
	decision.answer(makeChallenge(isProxy, now), NAME);
}

function makeChallenge(isProxy: boolean, now: number): Response {
	const status = isProxy ? 407 : 401;
	const title = `${status} ${standardReason(status)}`;
	const page = `<html><head><title>${title}</title></head><body><h1>${title}</h1></body></html>`;
	const fields = [
		[isProxy ? "Proxy-Authenticate" : "WWW-Authenticate", OWN_CHALLENGE],
		["Content-Type", "text/html"],
	] as const;
	return makeResponse(status, fields, Buffer.from(page), now);
}
