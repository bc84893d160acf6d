// The hooks that runners set as globals, and the runner that they belong to.
import t from "tap";
import { globalHooks } from "../../../integrations/test/global-hooks.ts";
import { useTape } from "../../../integrations/test/jest.ts";

const added: string[] = [];
const add = (name: string) => () => void added.push(name);
const jest = {
	beforeAll: add("beforeAll"),
	beforeEach: add("beforeEach"),
	afterEach: add("afterEach"),
	afterAll: add("afterAll"),
	expect: { getState: () => ({ testPath: "/a.test.js" }) },
	jest: {},
};

t.test("Jest, Vitest, or none", async (t) => {
	t.equal(globalHooks(), null);
	Object.assign(globalThis, jest);
	t.teardown(() => {
		for (const name of [...Object.keys(jest), "vi"]) Reflect.deleteProperty(globalThis, name);
	});
	t.equal(globalHooks()?.runner, "jest");
	useTape();
	t.same(added, ["beforeAll", "afterAll", "beforeEach", "afterEach"]);
	Object.assign(globalThis, { vi: {} });
	t.equal(globalHooks()?.runner, "vitest");
});
