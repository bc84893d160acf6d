// The latest messages of a conversation whose messages are stored as they arrive. A flow keeps only these in memory, so
// that hooks can look back.

/** Limits for one conversation: number of messages, and their bytes. */
const KEPT_MESSAGES = 1000;
const KEPT_BYTES = 4 * 1024 * 1024;
/** While all conversations together keep more than `ALL_KEPT_BYTES`, each may keep only `MIN_KEPT_BYTES`. */
const ALL_KEPT_BYTES = 32 * 1024 * 1024;
const MIN_KEPT_BYTES = 16 * 1024;

let allKept = 0;

export class RecentMessages<Message extends { readonly content: Buffer }> {
	/** Bytes of the stored messages that are still kept. */
	#bytes = 0;
	readonly #messages: Message[];
	readonly #drop: (message: Message) => void;
	/** Messages that are not stored yet, because hooks still see them. */
	readonly #unstored = new Set<Message>();

	/**
	 * @param messages the messages of the flow, with the latest last
	 * @param drop called with each stored message that the flow no longer keeps, in order
	 */
	constructor(messages: Message[], drop: (message: Message) => void = () => {}) {
		this.#messages = messages;
		this.#drop = drop;
	}

	/** Adds a message that has arrived and is not stored yet. */
	add(message: Message): void {
		this.#messages.push(message);
		this.#unstored.add(message);
	}

	/**
	 * Call this when a message has been stored. While the conversation exceeds its limits, the oldest stored messages are
	 * dropped, if necessary including this one.
	 */
	stored(message: Message): void {
		this.#unstored.delete(message);
		this.#count(message.content.length);
		for (let oldest = this.#messages[0]; this.#isFull && oldest !== undefined; oldest = this.#messages[0]) {
			if (this.#unstored.has(oldest)) return;
			this.#messages.shift();
			this.#count(-oldest.content.length);
			this.#drop(oldest);
		}
	}

	get #isFull(): boolean {
		return (
			this.#messages.length > KEPT_MESSAGES || this.#bytes > (allKept > ALL_KEPT_BYTES ? MIN_KEPT_BYTES : KEPT_BYTES)
		);
	}

	/** Call this when the conversation has ended: its bytes no longer count. */
	close(): void {
		this.#count(-this.#bytes);
	}

	#count(bytes: number): void {
		this.#bytes += bytes;
		allKept += bytes;
	}
}
