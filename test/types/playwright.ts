// Code that uses `flowtape/playwright`, and code that must not compile. Compiled by `npm run types`; it is never run.
import {
	type InsertedTape,
	type TapeFixtures,
	type TapeOptions,
	withTape,
} from "../../integrations/playwright/index.ts";

export function fixtures(network: TapeFixtures["network"]): void {
	withTape();
	withTape({
		tape: "shop.har",
		mode: "new-episodes",
		match: { ignoreJson: ["/requestedAt"], order: "cycle" },
		passthrough: ["~d fonts.example"],
		failOn: ["miss", "unused"],
	}).network satisfies readonly unknown[];
	network satisfies InsertedTape;
	network.requests[0]?.isReplayed satisfies boolean | undefined;
	network.misses[0]?.explanation satisfies string | undefined;
	({ perProject: true }) satisfies TapeOptions;
	// @ts-expect-error there is no such mode
	withTape({ mode: "always" });
	// @ts-expect-error a replay connects to no server
	withTape({ failOn: ["egress"] });
	// @ts-expect-error the requests are for reading
	network.requests.push();
}
