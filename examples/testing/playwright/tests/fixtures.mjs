// `test` with a tape for each test.
import { test as base } from "@playwright/test";
import { withTape } from "flowtape/playwright";

// the time in the request is another one in each run
export const test = base.extend(withTape({ match: { ignoreJson: ["/requestedAt"] } }));
