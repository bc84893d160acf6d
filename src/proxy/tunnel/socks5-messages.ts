// Parses the messages of a SOCKS 5 handshake (RFC 1928, with the login of RFC 1929), and makes the replies.
import { FlowtapeError } from "../../errors.ts";
import { type TunnelTarget, tunnelTo } from "../route/target.ts";

/** A complete message with its size in bytes, or a refusal with the reply to send before closing. */
export type Socks5Message =
	| { readonly kind: "greeting"; readonly size: number; readonly reply: Buffer }
	| { readonly kind: "login"; readonly size: number; readonly user: string; readonly password: string }
	| { readonly kind: "request"; readonly size: number; readonly target: TunnelTarget }
	| { readonly kind: "refused"; readonly reason: string; readonly reply: Buffer };

const VERSION = 5;
const NO_LOGIN = 0;
const LOGIN = 2;
const NO_METHOD = 255;
const CONNECT = 1;

/** Replies of RFC 1928 section 6. */
const SUCCEEDED = 0;
const GENERAL_FAILURE = 1;
const COMMAND_NOT_SUPPORTED = 7;
const ADDRESS_TYPE_NOT_SUPPORTED = 8;

/**
 * A reply. BND.ADDR and BND.PORT are zeros: the proxy's own address towards the server is not known yet, and clients do
 * not need it.
 */
function replyWith(code: number): Buffer {
	return Buffer.from([VERSION, code, 0, 1, 0, 0, 0, 0, 0, 0]);
}

export const granted: Buffer = replyWith(SUCCEEDED);
/** RFC 1929 section 2. */
export const loginAccepted: Buffer = Buffer.from([1, 0]);
export const loginRefused: Buffer = Buffer.from([1, 1]);

function refused(reason: string, reply: Buffer): Socks5Message {
	return { kind: "refused", reason, reply };
}

/** Parses the message at the start of `bytes`; null: it is incomplete. */
export function readGreeting(bytes: Buffer, wantsLogin: boolean): Socks5Message | null {
	const [version, count] = bytes;
	if (version !== undefined && version !== VERSION) {
		const guess = /^[A-Z]{3}/.test(bytes.subarray(0, 3).latin1Slice())
			? "; this looks like HTTP, which needs a port in another mode"
			: "";
		return refused(`expected SOCKS 5, found version ${version}${guess}`, Buffer.alloc(0));
	}
	if (count === undefined || bytes.length < 2 + count) return null;
	const method = wantsLogin ? LOGIN : NO_LOGIN;
	if (!bytes.subarray(2, 2 + count).includes(method))
		return refused(
			`the client does not offer SOCKS 5 ${wantsLogin ? "with user and password" : "without a login"}`,
			Buffer.from([VERSION, NO_METHOD]),
		);
	return { kind: "greeting", size: 2 + count, reply: Buffer.from([VERSION, method]) };
}

/** Parses the message at the start of `bytes`; null: it is incomplete. */
export function readLogin(bytes: Buffer): Socks5Message | null {
	const userEnd = 2 + (bytes[1] ?? 0);
	const passwordLength = bytes[userEnd];
	if (passwordLength === undefined) return null;
	const size = userEnd + 1 + passwordLength;
	if (bytes.length < size) return null;
	return {
		kind: "login",
		size,
		user: bytes.toString("utf8", 2, userEnd),
		password: bytes.toString("utf8", userEnd + 1, size),
	};
}

/** Parses the message at the start of `bytes`; null: it is incomplete. */
export function readRequest(bytes: Buffer): Socks5Message | null {
	if (bytes.length < 5) return null;
	const [version, command, , type] = bytes;
	if (version !== VERSION || command !== CONNECT)
		return refused(`SOCKS command ${command} is not supported, only CONNECT is`, replyWith(COMMAND_NOT_SUPPORTED));
	const address = readAddress(bytes);
	if (address === null)
		return refused(`SOCKS address type ${type} is not supported`, replyWith(ADDRESS_TYPE_NOT_SUPPORTED));
	const size = address.end + 2;
	if (bytes.length < size) return null;
	try {
		return { kind: "request", size, target: tunnelTo(address.host(), bytes.readUInt16BE(address.end)) };
	} catch (error) {
		if (!(error instanceof FlowtapeError)) throw error;
		return refused(error.message, replyWith(GENERAL_FAILURE));
	}
}

/**
 * The end of the address in a request, as an offset; `host` reads the address once its bytes have arrived. null:
 * unknown address type.
 */
function readAddress(bytes: Buffer): { host: () => string; end: number } | null {
	switch (bytes[3]) {
		case 1:
			return { host: () => bytes.subarray(4, 8).join("."), end: 8 };
		case 3: {
			const end = 5 + (bytes[4] as number);
			return { host: () => bytes.toString("utf8", 5, end), end };
		}
		case 4:
			return { host: () => formatIpv6(bytes.subarray(4, 20)), end: 20 };
		default:
			return null;
	}
}

/** An IPv6 address in the short form of RFC 5952. */
function formatIpv6(bytes: Buffer): string {
	const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(i * 2).toString(16));
	return new URL(`http://[${groups.join(":")}]`).hostname.slice(1, -1);
}
