// FlowtapeError, the class of all errors that flowtape throws on purpose, and the table of its codes with their exit
// statuses.

/** What each code means, and the exit status of a command that ends with it. */
export const errorCodes = {
	FT_USAGE: { status: 2, meaning: "an unknown command, option or argument" },
	FT_BAD_OPTION: { status: 2, meaning: "an invalid value of an option" },
	FT_BAD_FILTER: { status: 2, meaning: "an invalid filter expression" },
	FT_BAD_PATTERN: { status: 2, meaning: "a regular expression that is invalid or not supported" },
	FT_PATTERN_STOPPED: { status: 2, meaning: "a regular expression that took too long and was stopped" },
	FT_UNKNOWN_FORMAT: { status: 3, meaning: "a file whose content is not a known format" },
	FT_CORRUPT_FLOW: { status: 3, meaning: "a damaged record of a tape" },
	FT_NEWER_FORMAT: { status: 3, meaning: "a tape written by a newer version" },
	FT_STORE: { status: 3, meaning: "a .tape whose database is damaged" },
	FT_NO_FLOW: { status: 1, meaning: "no flow's id starts with the given prefix" },
	FT_NOT_FOUND: { status: 4, meaning: "a file that does not exist" },
	FT_IO: { status: 4, meaning: "the file system refused: no permission, no space, read-only" },
	FT_PORT: {
		status: 4,
		meaning: "the proxy cannot listen on the address: it is taken, or not an address of this machine",
	},
	FT_CA: { status: 4, meaning: "the certificate authority cannot be read or written" },
	FT_TLS: { status: 4, meaning: "a TLS handshake that failed" },
	FT_UPSTREAM: { status: 4, meaning: "a server that could not be reached or closed the connection early" },
	FT_PROTOCOL: { status: 4, meaning: "a message that breaks the rules of HTTP" },
	FT_LOSS: { status: 0, meaning: "the output format cannot represent something; it was left out" },
	FT_WAITING: { status: 0, meaning: "a write failed; the flows wait in memory and the write is tried again" },
	FT_NEWER_RULES: {
		status: 0,
		meaning: "a tape was redacted by rules of a newer version: some of its recordings may not be found",
	},
	FT_UPGRADED: {
		status: 0,
		meaning: "an older tape was converted to the current version so that it can be recorded to",
	},
	FT_ODD_FIELD: { status: 0, meaning: "a field of a record has an unexpected type; it was converted or left out" },
	FT_TOO_LARGE: { status: 3, meaning: "a flow, or one of its bodies, is too large for the output format" },
	FT_BAD_BODY: { status: 3, meaning: "a body that cannot be decoded as its Content-Encoding says" },
	FT_SCRIPT: { status: 2, meaning: "a script that cannot be loaded, or that failed for a stored flow" },
	FT_INSTALL: { status: 4, meaning: "a file of flowtape, or a package that it needs, is missing" },
	FT_COMMAND: { status: 4, meaning: "the command after -- could not be started" },
} as const satisfies Record<string, { status: number; meaning: string }>;

/** A code of an error: stable, and in `errorCodes` with what it means. */
export type ErrorCode = keyof typeof errorCodes;

/** Details of an error for programs; the message says the same in words. */
export interface ErrorDetail {
	/** The file or stream that is at fault. */
	file?: string | undefined;
	/** Byte offset in that file. */
	offset?: number | undefined;
	/** Number of the record, from 1. */
	record?: number | undefined;
	/** Column in the pattern, expression or text that is at fault, from 1. */
	column?: number | undefined;
	/** The option whose value is wrong, in snake_case. */
	option?: string | undefined;
	cause?: unknown;
}

/** The exit status of errors in the user's input, as opposed to errors in files. */
const USAGE = 2;

/** An error with a stable code; the message says what was expected, what was found and where. */
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

	/**
	 * A copy with more details, such as the option whose value is invalid. Its cause is this error unless `detail` has
	 * another.
	 */
	withDetail(detail: ErrorDetail, message = this.message): FlowtapeError {
		const { code, file, offset, record, column, option } = this;
		return new FlowtapeError(code, message, { file, offset, record, column, option, cause: this, ...detail });
	}

	/** Whether a value is a FlowtapeError, and has one of these codes if any are given. */
	static is<C extends ErrorCode = ErrorCode>(
		error: unknown,
		...codes: C[]
	): error is FlowtapeError & { readonly code: C } {
		return error instanceof FlowtapeError && (codes.length === 0 || codes.some((code) => code === error.code));
	}

	/** The exit status of a command that ends with this error. */
	get status(): number {
		return errorCodes[this.code].status;
	}
}

/** Adds the option to an error about its value. Errors about files, and those that name an option, are unchanged. */
export function withOption(error: unknown, option: string): unknown {
	const isAboutValue = error instanceof FlowtapeError && error.option === undefined && error.status === USAGE;
	return isAboutValue ? error.withDetail({ option }) : error;
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
	return error instanceof Error ? error.message : String(error);
}

/** Receives warnings about data. Reading continues with the next record unless the reporter throws. */
export type Reporter = (code: ErrorCode, message: string, detail?: ErrorDetail) => void;

/** Whether a value thrown by Node has one of these codes, such as `ENOENT`. */
export function hasErrno(error: unknown, ...codes: string[]): error is NodeJS.ErrnoException {
	return error instanceof Error && "code" in error && codes.includes(String(error.code));
}

/**
 * Turns Node's error for a module that is missing, or was built for another Node, into FT_INSTALL; returns any other
 * error unchanged. Do not use it for the user's own modules.
 */
export function installError(cause: unknown): unknown {
	const isMissing = hasErrno(cause, "ERR_MODULE_NOT_FOUND", "MODULE_NOT_FOUND");
	// the package "bindings", which loads native modules, throws an error without a code
	const isNative =
		hasErrno(cause, "ERR_DLOPEN_FAILED") ||
		(cause instanceof Error && cause.message.startsWith("Could not locate the bindings file"));
	if (!isMissing && !isNative) return cause;
	const what = isMissing
		? `this installation is not complete: ${cause.message.split("\n", 1)[0]}`
		: "better-sqlite3 was not built for this Node.js";
	const how = isMissing
		? "reinstall flowtape, with its dependencies"
		: "run: npm rebuild better-sqlite3, or reinstall flowtape with the install scripts of its dependencies allowed";
	return new FlowtapeError("FT_INSTALL", `${what}; ${how}`, { cause });
}

const OPEN_FILES =
	"raise the limit of open files, for example with ulimit -n 1024 (flowtape itself needs about 100, and a proxy two for each client)";

/** Adds advice to an error that was caused by too many open files; returns any other error unchanged. */
export function openFilesError(thrown: unknown): unknown {
	let cause = thrown;
	while (cause instanceof Error && cause.cause !== undefined && !hasErrno(cause, "EMFILE", "ENFILE"))
		cause = cause.cause;
	if (!hasErrno(cause, "EMFILE", "ENFILE")) return thrown;
	return thrown instanceof FlowtapeError
		? thrown.withDetail({}, `${thrown.message}; ${OPEN_FILES}`)
		: new FlowtapeError("FT_IO", `too many open files: ${OPEN_FILES}`, { cause: thrown });
}
