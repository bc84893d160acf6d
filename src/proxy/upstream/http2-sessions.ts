// The HTTP/2 connections to servers: one serves all who ask for the same place, and while it is being made they wait for it together.
import type { FlowtapeError } from "../../errors.ts";
import type { Dial } from "../connection/attempt.ts";
import type { Dialled, UpstreamChannel } from "./channel.ts";
import type { UpstreamHttp2 } from "./http2-connection.ts";

/** Places that are remembered to speak HTTP/1.1 only. */
const MEMORY = 10_000;

/** How long a connection is still being made that nobody waits for: else each of many requests that are taken back would begin one anew. */
const ABANDONED_MS = 1000;

/** A connection that is being made, and who waits for it. */
interface Dialling {
	dial: Dial | null;
	readonly waiting: Set<Dialled>;
	/** Runs while nobody does. */
	abandoned: NodeJS.Timeout | null;
}

export class UpstreamSessions {
	readonly #open = new Map<string, UpstreamHttp2[]>();
	readonly #dialling = new Map<string, Dialling>();
	readonly #http1 = new Set<string>();

	/** A stream of a connection that is there, for a request or, `upgrade`, for a WebSocket. */
	take(key: string, upgrade = false): UpstreamChannel | undefined {
		return this.#open
			.get(key)
			?.find((session) => session.hasRoom && (!upgrade || session.takesWebSockets))
			?.open();
	}

	/** Whether there is a connection to the place. */
	has(key: string): boolean {
		return this.#open.has(key);
	}

	add(key: string, session: UpstreamHttp2): void {
		this.#http1.delete(key);
		const there = this.#open.get(key);
		if (there === undefined) this.#open.set(key, [session]);
		else there.push(session);
	}

	remove(key: string, session: UpstreamHttp2): void {
		const left = this.#open.get(key)?.filter((one) => one !== session) ?? [];
		if (left.length === 0) this.#open.delete(key);
		else this.#open.set(key, left);
	}

	/** The server did not want HTTP/2. */
	addHttp1(key: string): void {
		if (this.#http1.size >= MEMORY) this.#http1.clear();
		this.#http1.add(key);
	}

	/** What an answer, or the lack of one, tells of a server that was asked in HTTP/1.1: it may speak HTTP/2 after all. */
	noteHttp1(key: string, isHttp1: boolean): void {
		if (!isHttp1) this.#http1.delete(key);
		else if (!this.#http1.has(key)) this.addHttp1(key);
	}

	isHttp1(key: string): boolean {
		return this.#http1.has(key);
	}

	/** Connects by `connect`, once for all who ask meanwhile. Those for whom there is no room in the end connect by themselves. */
	dial(key: string, connect: (done: Dialled) => Dial, done: Dialled): Dial {
		const under = this.#dialling.get(key);
		if (under === undefined) {
			const entry: Dialling = { dial: null, waiting: new Set([done]), abandoned: null };
			this.#dialling.set(key, entry);
			entry.dial = connect((error, channel) => {
				this.#dialling.delete(key);
				if (entry.abandoned !== null) clearTimeout(entry.abandoned);
				this.#settle(key, [...entry.waiting], error, channel);
			});
			return { cancel: () => this.#cancel(key, done) };
		}
		let own: Dial | null = null;
		const wait: Dialled = (error, channel) => {
			if (error !== null || channel !== null) done(error, channel);
			else own = connect(done);
		};
		under.waiting.add(wait);
		return {
			cancel: () => {
				this.#cancel(key, wait);
				own?.cancel();
			},
		};
	}

	#settle(key: string, waiting: readonly Dialled[], error: FlowtapeError | null, channel: UpstreamChannel | null): void {
		const [first, ...others] = waiting;
		if (first === undefined) channel?.release(true);
		else first(error, channel);
		for (const other of others) other(error, error === null ? (this.take(key) ?? null) : null);
	}

	#cancel(key: string, done: Dialled): void {
		const under = this.#dialling.get(key);
		under?.waiting.delete(done);
		if (under?.waiting.size !== 0) return;
		under.abandoned ??= setTimeout(() => {
			under.abandoned = null;
			if (under.waiting.size > 0 || this.#dialling.get(key) !== under) return;
			this.#dialling.delete(key);
			under.dial?.cancel();
		}, ABANDONED_MS).unref();
	}

	/** Closes those that nobody has used since `limit`, in milliseconds of `performance.now()`. */
	sweep(limit: number): void {
		for (const sessions of this.#open.values()) for (const session of sessions) if (session.idleSince < limit) session.close();
	}
}
