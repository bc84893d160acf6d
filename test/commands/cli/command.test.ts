// A command is what it was defined as, and the type of its options is kept.
import t from "tap";
import { defineCommand } from "../../../commands/cli/command.ts";

t.test("a command runs with the options that it declared", async (t) => {
	const definition = {
		...{ name: "try", summary: "try", args: "", arity: { min: 0 }, examples: [] },
		options: { times: { type: "integer", default: 3, help: "How often." }, name: { type: "string", default: null, help: "Of whom." } },
	} as const;
	const command = defineCommand({
		...definition,
		async run({ options }) {
			const times: number = options.times;
			const name: string | null = options.name;
			return times + (name?.length ?? 0);
		},
	});
	t.match(command, definition);
	const surroundings = { stdout: { write() {} }, stderr: { write() {} }, env: {}, signal: new AbortController().signal };
	const input = { args: [], options: { times: 3, name: "ab" }, values: {}, child: null };
	t.equal(await command.run({ ...input, scripts: null } as never, surroundings), 5);
});
