import { useEffect, useState } from 'preact/hooks';
import { segment } from '../api/client';
import { operationPath } from '../api/operations';
import type { Operation } from '../api/v1alpha1';
import { t } from '../lang';
import { useReading } from '../live/reading';
import { Panel, Section } from '../parts/facts';
import { Icon } from '../parts/icon';
import { PhaseMark } from '../parts/mark';
import { PageHead } from '../parts/page';
import { Empty, Failure, Loading } from '../parts/states';
import { Ago, Elapsed } from '../parts/time';
import { Yaml } from '../parts/yaml';
import { place, to } from '../route';
import { Tabs } from '../parts/tabs';
import { OperationActions } from './actions';
import { Findings } from './findings';
import { Journal } from './journal';
import { Members } from './members';
import { Report } from './report';
import { Share } from './share';
import { blockersOf, isOver, phaseOf, titleOf } from './state';
import { Summary } from './summary';
import { Timeline } from './timeline';
import { Track } from './track';
import { Where } from './where';
import { reasonOf } from './words';

/** The product's face: the plan, what it found, who is hit, what happens, and what came of it. */
export function OperationPage({ cluster, name }: { cluster: string; name: string }) {
  const path = operationPath(cluster, name);
  const read = useReading<Operation>(path, [{ cluster, area: 'operations' }]);
  // What a button's own request answered is newer than what was read before it.
  const [answered, setAnswered] = useState<Operation>();
  useEffect(() => setAnswered(undefined), [path, read.data]);
  const op = answered ?? read.data;

  if (!op) {
    return (
      <>
        <PageHead title={name} crumbs={<a href={to.operations()}>{t('nav.operations')}</a>} />
        {read.error ? <Failure error={read.error} retry={read.reload} what={name} /> : <Loading what={name} rows={8} />}
      </>
    );
  }
  const tab = place.value.query.get('tab') ?? 'plan';
  return (
    <div class="operation">
      <PageHead
        title={titleOf(op)}
        beside={
          <span class="id name">
            {cluster} · {op.status?.plan?.digest ?? op.metadata.name}
          </span>
        }
        crumbs={
          <>
            <a href={to.operations()}>{t('nav.operations')}</a> / <span class="name">{name}</span>
          </>
        }
        actions={<OperationActions op={op} changed={setAnswered} />}
        sub={<Standing op={op} />}
      />
      {read.error && <Failure error={read.error} retry={read.reload} what={t('op.notFresh')} />}
      <Summary op={op} />
      <Track op={op} />
      <div class="row tabs-row">
        <Tabs
          label={t('op.views')}
          tabs={[
            { id: 'plan', label: t('op.plan') },
            ...(tab === 'pods' || op.spec.type === 'Drain' || (op.status?.plan?.memberChunks ?? 0) > 0 ? [{ id: 'pods', label: t('op.members') }] : []),
            { id: 'yaml', label: 'YAML' },
          ]}
        />
        <Share op={op} />
      </div>
      {tab === 'yaml' ? <Yaml path={path} /> : tab === 'pods' ? <Members op={op} /> : <PlanView op={op} />}
    </div>
  );
}

function PlanView({ op }: { op: Operation }) {
  const plan = op.status?.plan;
  const findings = plan?.findings ?? [];
  const report = op.status?.report;
  return (
    <>
      {report && (
        <Section title={t('op.report')}>
          <Panel>
            <Report op={op} report={report} />
          </Panel>
        </Section>
      )}
      {findings.length > 0 && (
        <Section title={blockersOf(op).length > 0 ? t('op.findingsBlocked', { n: blockersOf(op).length }) : t('op.findings')}>
          <Findings op={op} />
        </Section>
      )}
      {plan && (
        <div class="two">
          <Section title={t('op.plan')}>
            <Panel>
              <Timeline op={op} />
            </Panel>
          </Section>
          <div class="col">
            {op.spec.type === 'Drain' && (
              <Section title={t('op.where')}>
                <Panel>
                  <Where op={op} />
                </Panel>
              </Section>
            )}
            <Section title={t('op.journal')}>
              <Panel>
                <Journal key={segment(op.metadata.name)} op={op} />
              </Panel>
            </Section>
          </div>
        </div>
      )}
      {!plan && isOver(op) && (
        <Panel>
          <Empty icon="operations" title={t('op.noPlan')}>
            {t('op.noPlanText')}
          </Empty>
        </Panel>
      )}
      {!plan && !isOver(op) && (
        <Panel>
          <p class="waiting" role="status">
            <span class="mark run">
              <i aria-hidden="true" />
            </span>
            {t('op.planningLong')}
          </p>
        </Panel>
      )}
    </>
  );
}

/** Where it stands, in words: the phase, why, and who asked and approved. */
function Standing({ op }: { op: Operation }) {
  const s = op.status;
  const reason = reasonOf(op);
  return (
    <>
      <p class="standing" role="status">
        <PhaseMark value={phaseOf(op)} blocked={blockersOf(op).length > 0} {...(s?.stepText ? { step: s.stepText } : {})} />
        {reason && <span class="reason">{reason}</span>}
        {s?.waiting && (
          <span class="dim">
            {t('op.waitingFor')} <Elapsed start={s.waiting.since} />
          </span>
        )}
      </p>
      <p class="byline">
        {t('op.requested')} <b class="name">{op.spec.requestedBy || '–'}</b> <Ago at={op.metadata.creationTimestamp} />
        {s?.approval && (
          <>
            {' · '}
            <Icon name="check" size={12} /> {t('op.approved')} <b class="name">{s.approval.by}</b> <Ago at={s.approval.at} />
          </>
        )}
      </p>
    </>
  );
}
