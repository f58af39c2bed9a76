import { type Failure, HelperError } from "../../helper/failure.ts";

/** The Failure that `act` ends in. Any other end is the test's. */
export function failureOf(act: () => unknown): Failure {
  try {
    const result = act();
    throw new Error(`no failure, but ${JSON.stringify(result)}`);
  } catch (error) {
    if (error instanceof HelperError) return error.failure;
    throw error;
  }
}
