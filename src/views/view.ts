// What shows bodies of one kind.
export interface ViewInput {
	/** Decoded. */
	readonly bytes: Buffer;
	/** As text in its charset; made when asked for. */
	readonly text: () => string;
	/** Media type in lower case without parameters; empty where none is given. */
	readonly type: string;
	/** The whole Content-Type value. */
	readonly contentType: string;
}

/** The body laid out; null when it is nothing of this kind after all. */
export type View = (input: ViewInput) => string | null;
