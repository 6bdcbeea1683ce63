import { merge } from './merge';

export default merge(
  import.meta.glob<Record<string, string>>(
    ['../../../internal/lang/catalog/ja/*.json', '!../../../internal/lang/catalog/ja/cli*.json'],
    { eager: true, import: 'default' },
  ),
);
