// `defineCommand` returns the command unchanged and keeps the types of its options.
import t from "tap";
import { commonOptions, defineCommand } from "../../../commands/cli/command.ts";
import { defaults } from "../../../src/options.ts";

t.test("a command runs with the options that it declared", async (t) => {
	const definition = {
		name: "try",
		summary: "try",
		args: "",
		arity: { min: 0 },
		examples: [],
		options: {
			times: { type: "integer", default: 3, help: "How often." },
			name: { type: "string", default: null, help: "Of whom." },
		},
	} as const;
	const command = defineCommand({
		...definition,
		groups: async () => [
			{ title: "More", table: { how: { type: "string", default: "well", choices: ["well", "badly"], help: "How." } } },
		],
		async run({ values }) {
			const times: number = values.times;
			const name: string | null = values.name;
			const how: "well" | "badly" = values.how;
			const quiet: boolean = values.quiet;
			// @ts-expect-error there is no such option
			const missing: unknown = values.missing;
			return times + (name?.length ?? 0) + (how === "well" && !quiet && missing === undefined ? 0 : 100);
		},
	});
	t.match(command, definition);
	const surroundings = {
		stdout: { write() {} },
		stderr: { write() {} },
		env: {},
		signal: new AbortController().signal,
	};
	const values = { ...defaults(commonOptions), times: 3, name: "ab", how: "well" } as const;
	t.equal(await command.run({ args: [], values, child: null, scripts: null }, surroundings), 5);
});
