// The pool of HTTP/2 connections to servers. Requests for the same destination share a connection, and wait together
// while it is being opened.
import type { FlowtapeError } from "../../errors.ts";
import type { Dial } from "../connection/attempt.ts";
import type { ChannelCallback, UpstreamChannel } from "./channel.ts";
import type { UpstreamHttp2 } from "./http2-connection.ts";

/** Most destinations that are remembered as HTTP/1.1 only. */
const MAX_HTTP1_KEYS = 10_000;

/**
 * How long an attempt to connect continues when no callback waits for it, so that not every one of repeated cancelled
 * requests starts a new attempt. Milliseconds.
 */
const ABANDONED_MS = 1000;

/** A connection that is being opened, and the callbacks that wait for it. */
interface PendingDial {
	dial: Dial | null;
	readonly waiting: Set<ChannelCallback>;
	/** Cancels the attempt; runs while no callback waits. */
	abandoned: NodeJS.Timeout | null;
}

export class UpstreamSessions {
	readonly #open = new Map<string, UpstreamHttp2[]>();
	readonly #pendingDials = new Map<string, PendingDial>();
	readonly #http1 = new Set<string>();

	/** A stream of an open connection, for a request or, with `upgrade`, for a WebSocket. */
	openStream(key: string, upgrade = false): UpstreamChannel | undefined {
		return this.#open
			.get(key)
			?.find((session) => session.canOpenStream && (!upgrade || session.supportsWebSockets))
			?.openStream();
	}

	/** Whether there is a connection for this key. */
	hasSession(key: string): boolean {
		return this.#open.has(key);
	}

	addSession(key: string, session: UpstreamHttp2): void {
		this.#http1.delete(key);
		const there = this.#open.get(key);
		if (there === undefined) this.#open.set(key, [session]);
		else there.push(session);
	}

	removeSession(key: string, session: UpstreamHttp2): void {
		const left = this.#open.get(key)?.filter((one) => one !== session) ?? [];
		if (left.length === 0) this.#open.delete(key);
		else this.#open.set(key, left);
	}

	/** Call when the server has chosen HTTP/1.1. */
	rememberHttp1(key: string): void {
		if (this.#http1.size >= MAX_HTTP1_KEYS) this.#http1.clear();
		this.#http1.add(key);
	}

	/** Records whether the server responded to a request in HTTP/1.1; if not, the next request tries HTTP/2 again. */
	updateVersion(key: string, isHttp1: boolean): void {
		if (!isHttp1) this.#http1.delete(key);
		else if (!this.#http1.has(key)) this.rememberHttp1(key);
	}

	isHttp1(key: string): boolean {
		return this.#http1.has(key);
	}

	/**
	 * Connects with `connect`, or joins an attempt in progress for the same key. Callers for whom the new connection has
	 * no free stream connect separately.
	 */
	dial(key: string, connect: (done: ChannelCallback) => Dial, done: ChannelCallback): Dial {
		const pending = this.#pendingDials.get(key);
		if (pending === undefined) {
			const entry: PendingDial = { dial: null, waiting: new Set([done]), abandoned: null };
			this.#pendingDials.set(key, entry);
			entry.dial = connect((error, channel) => {
				this.#pendingDials.delete(key);
				if (entry.abandoned !== null) clearTimeout(entry.abandoned);
				this.#notifyWaiting(key, [...entry.waiting], error, channel);
			});
			return { cancel: () => this.#cancel(key, done) };
		}
		let own: Dial | null = null;
		const wait: ChannelCallback = (error, channel) => {
			if (error !== null || channel !== null) done(error, channel);
			else own = connect(done);
		};
		pending.waiting.add(wait);
		return {
			cancel: () => {
				this.#cancel(key, wait);
				own?.cancel();
			},
		};
	}

	#notifyWaiting(
		key: string,
		waiting: readonly ChannelCallback[],
		error: FlowtapeError | null,
		channel: UpstreamChannel | null,
	): void {
		const [first, ...others] = waiting;
		if (first === undefined) channel?.release(true);
		else first(error, channel);
		for (const other of others) other(error, error === null ? (this.openStream(key) ?? null) : null);
	}

	#cancel(key: string, done: ChannelCallback): void {
		const pending = this.#pendingDials.get(key);
		pending?.waiting.delete(done);
		if (pending?.waiting.size !== 0) return;
		pending.abandoned ??= setTimeout(() => {
			pending.abandoned = null;
			if (pending.waiting.size > 0 || this.#pendingDials.get(key) !== pending) return;
			this.#pendingDials.delete(key);
			pending.dial?.cancel();
		}, ABANDONED_MS).unref();
	}

	/** Cancels the attempts in progress. */
	close(): void {
		for (const { dial } of this.#pendingDials.values()) dial?.cancel();
		this.#pendingDials.clear();
	}

	/** Closes connections unused since `limit`, in milliseconds of `performance.now()`. */
	sweep(limit: number): void {
		for (const sessions of this.#open.values())
			for (const session of sessions) if (session.idleSince < limit) session.close();
	}
}
