// Lets only those use the proxy who give a user and a password (RFC 7617): towards a proxy by Proxy-Authorization, towards a reverse proxy by
// Authorization, in SOCKS by its login.
import { parseBasic } from "../flow/basic-credentials.ts";
import type { ClientConnection } from "../flow/connection.ts";
import type { HttpFlow } from "../flow/flow.ts";
import type { Response } from "../flow/message.ts";
import { OWN_CHALLENGE } from "../flow/proxy-challenge.ts";
import { standardReason } from "../flow/reason.ts";
import type { OptionTable, OptionValues } from "../options.ts";
import type { ProxyAuthenticator } from "./authenticator.ts";
import { clock, type HookContext } from "./context.ts";
import type { Decision } from "./decision.ts";
import type { Hook } from "./hook.ts";
import { makeResponse } from "./make-response.ts";
import { createVerify } from "./proxy-auth/verify.ts";

export const options = {
	proxyauth: {
		type: "string",
		default: null,
		metavar: "USERS",
		help: "Ask clients for user and password: any, USER:PASSWORD, @HTPASSWD-FILE, or ldap[s]:HOST[:PORT]:DN:PASSWORD:SUBTREE[?search_filter_key=KEY].",
	},
} as const satisfies OptionTable;

const NAME = "proxy-auth";

export interface ProxyAuth extends Hook, ProxyAuthenticator {
	readonly name: typeof NAME;
}

/** Whether a hook is the one that asks for passwords. */
export function isProxyAuth(hook: Hook): hook is ProxyAuth {
	return hook.name === NAME;
}

/** @throws FlowtapeError FT_BAD_OPTION, FT_UPSTREAM */
export async function createProxyAuth({ proxyauth: spec }: OptionValues<typeof options>, { log, now = clock }: HookContext): Promise<ProxyAuth | null> {
	if (spec === null || spec === "") return null;
	const verify = await createVerify(spec, (message) => log?.("warning", message));
	/** The user of each connection that is trusted. */
	const admitted = new WeakMap<ClientConnection, string>();

	const admit = async (client: ClientConnection, user: string, password: string): Promise<boolean> => {
		const isRight = await verify(user, password);
		if (isRight) admitted.set(client, user);
		return isRight;
	};
	const welcome = (flow: HttpFlow, user: string): void => {
		// Not the password: flows are kept, and shown to others.
		flow.metadata.proxyauth = user;
	};

	return {
		name: NAME,
		liveOnly: true,
		leavesRequest: true,
		admit,
		async admitBy(client, header) {
			const credentials = parseBasic(header);
			return credentials !== null && admit(client, ...credentials);
		},
		challenge: () => makeChallenge(true, now()),
		requestheaders(flow, decision) {
			const { clientConn, request } = flow;
			const known = admitted.get(clientConn);
			if (known !== undefined) {
				decision.proxyAuthorization = null;
				welcome(flow, known);
				return;
			}
			if (flow.isReplay === "request") return;
			const isProxy = /^(?:regular|upstream)\b/i.test(clientConn.proxyMode);
			const header = isProxy ? "proxy-authorization" : "authorization";
			const credentials = parseBasic(isProxy ? (decision.proxyAuthorization ?? request.headers.get(header)) : request.headers.get(header));
			const settle = (isRight: boolean): void => {
				// Right or wrong, what was meant for this proxy goes nowhere else: not even onto the tape.
				request.headers.delete(header);
				decision.proxyAuthorization = null;
				if (credentials === null || !isRight) refuse(decision, isProxy, now());
				else welcome(flow, credentials[0]);
			};
			const isRight = credentials !== null && verify(...credentials);
			return isRight instanceof Promise ? isRight.then(settle) : settle(isRight);
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
