// Requests without secrets, for matching with a redacted tape: every secret becomes the same word, so that a request
// with another password, token or signature finds the recording.
import type { Request } from "../flow/message.ts";
import { redactRequest } from "./flow.ts";
import { KnownSecrets } from "./known-secrets.ts";
import { redactNested } from "./nested.ts";
import { Redaction } from "./redaction.ts";
import type { RedactionRules } from "./rules.ts";

/** Stands for every secret. */
const SECRET = "REDACTED";

/**
 * A function that copies a request without its secrets.
 * @param headers whether its headers are compared; otherwise they stay as they are
 */
export function secretRemover(rules: RedactionRules, { headers = true } = {}): (request: Request) => Request {
	const redaction = new Redaction(rules, new KnownSecrets(), redactNested, () => SECRET, { takesPlaceholders: true });
	return (request) => {
		const copy = request.copy();
		redactRequest(copy, redaction, headers);
		return copy;
	};
}
