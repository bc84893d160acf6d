// A reporter that prints the titles of failed steps: the JSON report has only steps outside of fixtures.
import type { Reporter, TestCase, TestResult, TestStep } from "@playwright/test/reporter";

export default class FailedSteps implements Reporter {
	onStepEnd(_test: TestCase, _result: TestResult, { category, error, title }: TestStep): void {
		if (category === "test.step" && error !== undefined) console.log(`failed step: ${title}`);
	}
}
