import { render } from 'preact';
import { App } from './app';
import { preferred, speak } from './lang';
import { startKeys } from './keys';
import { follow } from './live/changes';
import { startClock } from './live/clock';
import { startNarrow } from './narrow';
import { startRouting } from './route';
import './style/index.css';

const root = document.getElementById('app');
if (!root) throw new Error('index.html has no element "app"');

startClock();
startNarrow();
startRouting();
startKeys();
follow();
await speak(preferred());
render(<App />, root);
