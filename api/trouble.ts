// Damage in tapes, for programs: reported to a listener, or thrown if there is none.
import { type ErrorCode, type ErrorDetail, FlowtapeError, type Reporter } from "../src/errors.ts";

/** How to handle damage in tapes. */
export interface TroubleOptions {
	/** Whether damage is thrown. If not, damaged parts are skipped. Default: true, or false if there is `onTrouble`. */
	strict?: boolean | undefined;
	/**
	 * Called for damage that is skipped, and for notices (`errorCodes[code].status` is 0). If it throws, the call fails
	 * with that error.
	 */
	onTrouble?: Reporter | undefined;
}

export class TroubleLog {
	readonly #onTrouble: Reporter | undefined;
	readonly #strict: boolean;
	/** Number of damaged parts that were skipped. */
	damaged = 0;
	/** Number of reports that are not damage, for example about data that the output's format cannot hold. */
	notices = 0;
	/** Number of reports about inputs. */
	unread = 0;

	constructor({ onTrouble, strict = onTrouble === undefined }: TroubleOptions) {
		this.#onTrouble = onTrouble;
		this.#strict = strict;
	}

	/** @throws FlowtapeError for damage if `strict` */
	readonly report: Reporter = (code: ErrorCode, message: string, detail?: ErrorDetail) => {
		const error = new FlowtapeError(code, message, detail);
		if (error.status === 0) this.notices++;
		else if (this.#strict) throw error;
		else this.damaged++;
		this.#onTrouble?.(code, message, detail);
	};

	readonly reportInput: Reporter = (code, message, detail) => {
		this.unread++;
		this.report(code, message, detail);
	};
}
