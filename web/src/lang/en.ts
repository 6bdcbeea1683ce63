import { merge } from './merge';

export default merge(
  import.meta.glob<Record<string, string>>(
    ['../../../internal/lang/catalog/en/*.json', '!../../../internal/lang/catalog/en/cli*.json'],
    { eager: true, import: 'default' },
  ),
);
