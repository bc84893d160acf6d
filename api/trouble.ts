// Trouble in tapes, as programs hear of it: told where they listen, thrown where they do not.
import { type ErrorCode, type ErrorDetail, FlowtapeError, type Reporter } from "../src/errors.ts";

export interface TroubleOptions {
	/** Whether damage is thrown at once. Default: yes, unless there is `onTrouble`: nothing is lost unseen. */
	strict?: boolean | undefined;
	/** Told of damage, which is skipped, and of what is worth knowing and no damage (`errorCodes[code].status` is 0). What it throws ends the work. */
	onTrouble?: Reporter | undefined;
}

export class TroubleLog {
	readonly #onTrouble: Reporter | undefined;
	readonly #strict: boolean;
	/** Pieces of data that were damaged and are left out. */
	damaged = 0;
	/** What was told and is no damage, such as what the output has no room for. */
	notices = 0;
	/** What was told of inputs: of them something is missing, or was not as it should be. */
	unread = 0;

	constructor({ onTrouble, strict = onTrouble === undefined }: TroubleOptions) {
		this.#onTrouble = onTrouble;
		this.#strict = strict;
	}

	/** @throws FlowtapeError for damage, where that is not to be skipped */
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
