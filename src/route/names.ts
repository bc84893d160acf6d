// Answers name lookups without a name server, for clients that resolve a name first and then connect to its address.
// Each name gets an address of 198.18.0.0/15 (RFC 2544), which no host has, and a connection to that address is one to
// the name.
import { createHash } from "node:crypto";
import dns from "node:dns";
import { isIP } from "node:net";
import timers from "node:timers";
import type { Handler, Replaceable } from "./patches.ts";
import { isThisMachine, type Target } from "./target.ts";

// test runners replace the timers of the program under test
const { setImmediate: later } = timers;

/** The number of addresses in the range. */
const SIZE = 2 ** 17;

/** The names of addresses, by their place in the range. They outlive a route, since a client may keep an address. */
const names = new Map<number, string>();

/** The address that stands for a name: the same in every process, except for names that would share one. */
export function addressOf(name: string): string {
	const key = name.toLowerCase();
	let place = createHash("sha256").update(key).digest().readUInt32BE() % SIZE;
	while ((names.get(place) ?? key) !== key) place = (place + 1) % SIZE;
	// one place stays free, so that the search ends
	if (names.size < SIZE - 1) names.set(place, key);
	return `198.${18 + (place >> 16)}.${(place >> 8) & 255}.${place & 255}`;
}

/** The target with the name for which its address stands; other targets as they are. */
export function withName(target: Target): Target {
	const bytes = /^(?:::ffff:)?198\.(18|19)\.(\d+)\.(\d+)$/i.exec(target.host)?.slice(1).map(Number);
	if (bytes === undefined) return target;
	const [second = 0, third = 0, fourth = 0] = bytes;
	const host = names.get(((second - 18) << 16) | (third << 8) | fourth);
	return host === undefined ? target : { host, port: target.port };
}

export interface NameOptions {
	/** Whether connections to a name are routed, on any port. */
	readonly routes: (name: string) => boolean;
	/** Whether lookups of other records than addresses fail, instead of asking a name server. */
	readonly offline: boolean;
}

/** The type of records that each function of a resolver asks for; "": the type in its second argument. */
const resolvers = {
	resolve: "",
	resolve4: "A",
	resolve6: "AAAA",
	resolveAny: "ANY",
	resolveCaa: "CAA",
	resolveCname: "CNAME",
	resolveMx: "MX",
	resolveNaptr: "NAPTR",
	resolveNs: "NS",
	resolvePtr: "PTR",
	resolveSoa: "SOA",
	resolveSrv: "SRV",
	resolveTlsa: "TLSA",
	resolveTxt: "TXT",
} as const;

export class Names {
	readonly #options: NameOptions;
	#isResolving = false;

	constructor(options: NameOptions) {
		this.#options = options;
	}

	/** Makes a call in which names are resolved as without a route: of a server that binds, or a connection to the network. */
	readonly resolving = <T>(call: () => T): T => {
		const before = this.#isResolving;
		this.#isResolving = true;
		try {
			return call();
		} finally {
			this.#isResolving = before;
		}
	};

	patches(): Replaceable[] {
		return [
			{ owner: dns, ownerName: "dns", key: "lookup", handler: withCallback(this.#lookup) },
			{ owner: dns.promises, ownerName: "dns.promises", key: "lookup", handler: withPromise(this.#lookup) },
			...Object.entries(resolvers).flatMap(([key, type]) => {
				const answer = this.#resolver(type);
				const [called, promised] = [withCallback(answer), withPromise(answer)];
				return [
					{ owner: dns, ownerName: "dns", key, handler: called },
					{ owner: dns.Resolver.prototype, ownerName: "dns.Resolver.prototype", key, handler: called },
					{ owner: dns.promises, ownerName: "dns.promises", key, handler: promised },
					{
						owner: dns.promises.Resolver.prototype,
						ownerName: "dns.promises.Resolver.prototype",
						key,
						handler: promised,
					},
				];
			}),
		];
	}

	readonly #lookup: Answer = (name, options) => {
		if (!this.#isRouted(name)) return null;
		const { family, all } = Object(typeof options === "number" ? { family: options } : options);
		const isIpv6 = family === 6 || family === "IPv6";
		const found = { address: isIpv6 ? `::ffff:${addressOf(name)}` : addressOf(name), family: isIpv6 ? 6 : 4 };
		return all ? { promised: [found], called: [[found]] } : { promised: found, called: [found.address, found.family] };
	};

	#resolver(fixed: string): Answer {
		return (name, second) => {
			const type = fixed || (typeof second === "string" ? second : "A");
			const isAddress = ["A", "AAAA", "ANY"].includes(type);
			if ((!isAddress && !this.#options.offline) || !this.#isRouted(name)) return null;
			if (type !== "A" && type !== "ANY") throw noData(type, name);
			const address = addressOf(name);
			const ttl = 60;
			const record = type === "ANY" ? { type: "A", address, ttl } : Object(second).ttl ? { address, ttl } : address;
			return { promised: [record], called: [[record]] };
		};
	}

	#isRouted(name: unknown): name is string {
		if (this.#isResolving || typeof name !== "string" || name === "" || isIP(name) !== 0) return false;
		return !isThisMachine(name) && this.#options.routes(name);
	}
}

/**
 * The answer to a lookup: the value of its promise, and the arguments of its callback after the error. null: the
 * original function answers. A thrown error is the lookup's.
 */
type Answer = (name: unknown, options: unknown) => { promised: unknown; called: readonly unknown[] } | null;

function withCallback(answerOf: Answer): Handler {
	return (original, self, args) => {
		const done = args.at(-1);
		if (typeof done !== "function") return Reflect.apply(original, self, args);
		let outcome: readonly unknown[];
		try {
			const answer = answerOf(args[0], args[1]);
			if (answer === null) return Reflect.apply(original, self, args);
			outcome = [null, ...answer.called];
		} catch (error) {
			outcome = [error];
		}
		later(done as (...outcome: unknown[]) => void, ...outcome);
		return {};
	};
}

function withPromise(answerOf: Answer): Handler {
	return (original, self, args) => {
		try {
			const answer = answerOf(args[0], args[1]);
			if (answer !== null) return Promise.resolve(answer.promised);
		} catch (error) {
			return Promise.reject(error);
		}
		return Reflect.apply(original, self, args);
	};
}

/** The error of Node for a name without records of a type. */
function noData(type: string, hostname: string): Error {
	const syscall = `query${type.charAt(0)}${type.slice(1).toLowerCase()}`;
	return Object.assign(new Error(`${syscall} ENODATA ${hostname}`), { code: "ENODATA", syscall, hostname });
}
