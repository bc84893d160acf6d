// Jest without globals has them in a module.
import t from "tap";
import { useTape } from "../../../integrations/test/jest.ts";

t.test("without Jest there are no hooks", async (t) => {
	t.throws(() => useTape(), { code: "MODULE_NOT_FOUND", message: /@jest\/globals/ });
});
