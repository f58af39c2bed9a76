// What a package is built from.

export interface Job {
  /** The source tarball. */
  readonly tarball: string;
  readonly version: string;
  /** SOURCE_DATE_EPOCH: the time of all that is built, in seconds since 1970. */
  readonly epoch: string;
  /** An empty folder to build in. */
  readonly work: string;
  /** The folder that packages go into. */
  readonly out: string;
}
