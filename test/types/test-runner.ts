// Types of `flowtape/test`: what compiles, and what does not. The compiler is the test.
import {
	type InsertedTape,
	insertTape,
	setup,
	TapeError,
	type TapeOptions,
	useTape,
} from "../../integrations/test/index.ts";

export const options: TapeOptions = {
	tape: "per-test",
	mode: "once",
	match: { ignoreJson: ["/requestedAt"], order: "sequence", matchContent: "meaning" },
	redact: ["header:x-key", "json:/user/email", "pii"],
	passthrough: ["localhost:9200", "~d metrics.example"],
	failOn: ["miss", "unused"],
	miss: "error",
	respond: (request) => (request.url.endsWith("/health") ? new Response("ok") : undefined),
};
setup(options);
setup({
	redact({ request, response }) {
		request.headers.delete("authorization");
		if (response !== null) response.text = null;
	},
});

// @ts-expect-error a rule has a kind
export const wrongRule: TapeOptions = { redact: ["x-key"] };
// @ts-expect-error there is no such mode
export const wrongMode: TapeOptions = { mode: "often" };
// @ts-expect-error functions cannot reach the engine
export const wrongMatch: TapeOptions = { match: { match: () => true } };

export async function use(): Promise<number> {
	const tape: InsertedTape = await insertTape({ file: "a.test.ts", name: "a" }, options);
	const id: string = tape.value("id", () => "1");
	const seen: string = useTape().current.requests[0]?.url ?? id;
	// @ts-expect-error a value is JSON
	tape.value("id", () => new Map());
	const { served, passed } = await tape.eject();
	return seen.length + served + passed;
}

export const isMiss = (error: unknown): boolean => error instanceof TapeError && error.code === "FT_MISS";
