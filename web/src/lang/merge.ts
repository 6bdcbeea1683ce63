export type Catalogue = Readonly<Record<string, string>>;

/** One flat catalogue out of the area files of a language. */
export function merge(files: Record<string, Record<string, string>>): Catalogue {
  return Object.assign({}, ...Object.values(files)) as Catalogue;
}
