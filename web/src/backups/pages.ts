// The pages of backups, loaded together when the first of them is gone to.
export { AllBackupsPage } from './all';
export { HistoryPage } from './history/page';
export { SetPage } from './set';
export { BackupsPage } from './sets';
