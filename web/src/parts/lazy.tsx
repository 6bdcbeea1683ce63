import { type ComponentType, h } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { ApiError } from '../api/client';
import { Failure, Loading } from './states';

/**
 * A component whose module is loaded when it is first drawn. What could not be loaded says so and can be tried again. `quiet` ones show
 * nothing meanwhile: dialogs, which have no place of their own on the page.
 */
export function lazy<P extends object>(load: () => Promise<ComponentType<P>>, { quiet = false } = {}): (props: P) => preact.VNode | null {
  let loaded: ComponentType<P> | undefined;
  return function Lazy(props: P) {
    const [, arrived] = useState(loaded !== undefined);
    const [failed, setFailed] = useState<string>();
    const ask = () => {
      setFailed(undefined);
      load().then(
        (component) => {
          loaded = component;
          arrived(true);
        },
        (reason: unknown) => setFailed(String(reason)),
      );
    };
    useEffect(() => {
      if (!loaded) ask();
    }, []);
    if (loaded) return h(loaded as ComponentType<object>, props);
    if (failed !== undefined) return <Failure error={new ApiError(0, 'Unreachable', failed)} retry={ask} />;
    return quiet ? null : <Loading what="Kanrin" rows={6} />;
  };
}
