// The entry of the package for any runner.
import t from "tap";
import { insertTape, setup, TapeError, useTape } from "../../../integrations/test/index.ts";

t.test("without a runner's global hooks, useTape says what to do", async (t) => {
	t.throws(() => useTape(), { message: /^useTape: no test runner .* flowtape\/test\/vitest, \/jest, \/node or \/tap/ });
	t.match([insertTape, setup, TapeError], [Function, Function, Function]);
});
