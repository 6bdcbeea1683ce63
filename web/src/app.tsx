import { Component, type ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { ApiError, asApiError } from './api/client';
import { session } from './api/session';
import { restore } from './api/signin';
import { t } from './lang';
import { SignIn } from './pages/signin';
import { Failure, Loading } from './parts/states';
import { place } from './route';
import { pageOf } from './routes';
import { Shell } from './shell/shell';

/** Sign-in or the page that the address names. */
export function App() {
  const [error, setError] = useState<ApiError>();
  const ask = async () => {
    setError(undefined);
    try {
      await restore();
    } catch (failure) {
      setError(asApiError(failure));
    }
  };
  useEffect(() => void ask(), []);

  if (session.value === undefined) {
    return (
      <main id="main" class="alone">
        {error ? <Failure error={error} retry={ask} /> : <Loading what="Kanrin" />}
      </main>
    );
  }
  if (session.value === null) return <SignIn />;
  const { path } = place.value;
  return (
    <Shell>
      <Guard key={path}>{pageOf(path)}</Guard>
    </Shell>
  );
}

/** A page that fails to draw says so and leaves the rest of the console standing. */
class Guard extends Component<{ children: ComponentChildren }, { broken: Error | undefined }> {
  override state = { broken: undefined as Error | undefined };

  static override getDerivedStateFromError(broken: Error) {
    return { broken };
  }

  override componentDidCatch(broken: Error) {
    console.error(broken);
  }

  render() {
    const { broken } = this.state;
    if (!broken) return this.props.children;
    return <Failure error={new ApiError(0, 'Broken', broken.message)} what={t('error.page')} retry={() => this.setState({ broken: undefined })} />;
  }
}
