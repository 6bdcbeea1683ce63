import { t } from '../lang';
import { Panel } from '../parts/facts';
import { PageHead } from '../parts/page';
import { Empty } from '../parts/states';
import { place, to } from '../route';

export function NotFoundPage() {
  return (
    <>
      <PageHead title={t('notfound.title')} />
      <Panel>
        <Empty icon="search" title={t('notfound.what', { path: place.value.path })} action={<a class="btn primary" href={to.overview()}>{t('nav.overview')}</a>}>
          {t('notfound.text')}
        </Empty>
      </Panel>
    </>
  );
}
