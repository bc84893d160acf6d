// The one class of error that leaves flowtape, and the table of its codes with their exit statuses.

/** What each code means, and the exit status of a command that ends with it. */
export const errorCodes = {
	FT_USAGE: { status: 2, meaning: "an argument, option or command that flowtape does not have" },
	FT_BAD_OPTION: { status: 2, meaning: "an option with a value that does not fit it" },
	FT_BAD_FILTER: { status: 2, meaning: "a filter expression that cannot be understood" },
	FT_BAD_PATTERN: { status: 2, meaning: "a regular expression that cannot be understood or translated" },
	FT_PATTERN_STOPPED: { status: 2, meaning: "a regular expression that took too long and was stopped" },
	FT_UNKNOWN_FORMAT: { status: 3, meaning: "a file whose content is no kind of tape" },
	FT_CORRUPT_FLOW: { status: 3, meaning: "a record of a tape that is damaged" },
	FT_NEWER_FORMAT: { status: 3, meaning: "a tape that a newer version wrote" },
	FT_STORE: { status: 3, meaning: "a flow store whose database is damaged or is not one" },
	FT_NO_FLOW: { status: 1, meaning: "an id with which that of no flow begins" },
	FT_NOT_FOUND: { status: 4, meaning: "a file that does not exist" },
	FT_IO: { status: 4, meaning: "the file system refused: no permission, no space, read-only" },
	FT_PORT: { status: 4, meaning: "the listen address is taken or not ours" },
	FT_CA: { status: 4, meaning: "the certificate authority cannot be read or written" },
	FT_TLS: { status: 4, meaning: "a TLS handshake that failed" },
	FT_UPSTREAM: { status: 4, meaning: "a server that could not be reached or broke off" },
	FT_PROTOCOL: { status: 4, meaning: "a message that breaks the rules of HTTP" },
	FT_LOSS: { status: 0, meaning: "something that the format written to has no room for" },
	FT_WAITING: { status: 0, meaning: "what cannot be written at the moment, waits in memory and is tried again" },
	FT_UPGRADED: { status: 0, meaning: "an older tape that was brought to the newest version, to be recorded to" },
	FT_ODD_FIELD: { status: 0, meaning: "a field of a record that is not what its format says: read as what it stands for, or left out" },
	FT_TOO_LARGE: { status: 3, meaning: "a flow that is too large for the format written to, or a body of it" },
	FT_BAD_BODY: { status: 3, meaning: "a body that its Content-Encoding does not describe" },
	FT_SCRIPT: { status: 2, meaning: "a script that cannot be loaded, or that failed for a stored flow" },
	FT_INSTALL: { status: 4, meaning: "a file of flowtape, or a package that it needs, is missing" },
	FT_COMMAND: { status: 4, meaning: "the command after -- could not be started" },
} as const satisfies Record<string, { status: number; meaning: string }>;

export type ErrorCode = keyof typeof errorCodes;

/** Facts about an error that a program may want to read; the message says them in words. */
export interface ErrorDetail {
	/** File or stream in which the trouble is. */
	file?: string;
	/** Byte offset in that file. */
	offset?: number;
	/** Number of the record, from 1. */
	record?: number;
	/** Column in the text given on the command line, from 1. */
	column?: number;
	/** The option whose value is wrong, in snake_case. */
	option?: string;
	cause?: unknown;
}

/** Says what was expected, what was found and where, and has a stable code. */
export class FlowtapeError extends Error {
	override readonly name = "FlowtapeError";
	readonly code: ErrorCode;
	readonly file: string | undefined;
	readonly offset: number | undefined;
	readonly record: number | undefined;
	readonly column: number | undefined;
	readonly option: string | undefined;

	constructor(code: ErrorCode, message: string, detail: ErrorDetail = {}) {
		super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
		this.code = code;
		this.file = detail.file;
		this.offset = detail.offset;
		this.record = detail.record;
		this.column = detail.column;
		this.option = detail.option;
	}

	/** Whether a value is an error of flowtape's, with this code where one is given. */
	static is(error: unknown, code?: ErrorCode): error is FlowtapeError {
		return error instanceof FlowtapeError && (code === undefined || error.code === code);
	}

	/** The exit status of a command that ends with this error. */
	get status(): number {
		return errorCodes[this.code].status;
	}
}

/** Trouble in data: what was read goes on with the next record unless the reporter throws. */
export type Reporter = (code: ErrorCode, message: string, detail?: ErrorDetail) => void;

/** Whether a value thrown by Node's file system or network has this `code`. */
export function hasErrno(error: unknown, ...codes: string[]): error is NodeJS.ErrnoException {
	return error instanceof Error && "code" in error && codes.includes(String(error.code));
}

/** What Node says of a module that is not there, or not for this Node, as an error of ours; any other error as it is. Not for modules of the user's own. */
export function installError(cause: unknown): unknown {
	const isMissing = hasErrno(cause, "ERR_MODULE_NOT_FOUND", "MODULE_NOT_FOUND");
	// the package "bindings", which looks for the native part of another, has no code for it
	const isNative = hasErrno(cause, "ERR_DLOPEN_FAILED") || (cause instanceof Error && cause.message.startsWith("Could not locate the bindings file"));
	if (!isMissing && !isNative) return cause;
	const what = isMissing ? `this installation is not complete: ${cause.message.split("\n", 1)[0]}` : "better-sqlite3 was not built for this Node.js";
	const how = isMissing ? "install flowtape anew, with its dependencies" : "install flowtape anew, with the install scripts of its dependencies allowed";
	return new FlowtapeError("FT_INSTALL", `${what}; ${how}`, { cause });
}
