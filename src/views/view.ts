// The interface of views, each of which formats bodies of one kind.
export interface ViewInput {
	/** The decoded body. */
	readonly bytes: Buffer;
	/** The text in its charset, decoded on first use. */
	readonly text: () => string;
	/** Media type in lower case without parameters; empty: none. */
	readonly type: string;
	/** The whole Content-Type value. */
	readonly contentType: string;
}

/** Returns the formatted body; null: it is not of this kind. */
export type View = (input: ViewInput) => string | null;
