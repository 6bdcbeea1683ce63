import { observeWindowOffset, observeWindowRect, Virtualizer, type VirtualItem, windowScroll } from '@tanstack/virtual-core';
import { useLayoutEffect, useReducer, useState } from 'preact/hooks';

interface Virtual {
  items: VirtualItem[];
  height: number;
  /** Where the list begins in the document. */
  margin: number;
  measure: (element: Element | null) => void;
  reveal: (index: number) => void;
}

/** The rows of a list of `count` that are on screen, when the window is what scrolls. */
export function useVirtual(count: number, rowHeight: number, list: HTMLElement | null): Virtual {
  const [, redraw] = useReducer((n: number) => n + 1, 0);
  const margin = list ? list.getBoundingClientRect().top + window.scrollY : 0;
  const options = {
    count,
    estimateSize: () => rowHeight,
    getScrollElement: () => window as Window | null,
    observeElementRect: observeWindowRect,
    observeElementOffset: observeWindowOffset,
    scrollToFn: windowScroll,
    overscan: 12,
    scrollMargin: margin,
    // The top bar and the list's head cover what is above, the foot what is below.
    scrollPaddingStart: 96,
    scrollPaddingEnd: 72,
    initialRect: { width: window.innerWidth, height: window.innerHeight },
    initialOffset: () => window.scrollY,
    onChange: () => redraw(undefined),
  };
  const [virtualizer] = useState(() => new Virtualizer<Window, Element>(options));
  virtualizer.setOptions(options);
  useLayoutEffect(() => virtualizer._didMount(), []);
  useLayoutEffect(() => virtualizer._willUpdate());
  useLayoutEffect(() => virtualizer.measure(), [rowHeight]);
  return {
    items: virtualizer.getVirtualItems(),
    height: virtualizer.getTotalSize(),
    margin,
    measure: virtualizer.measureElement,
    reveal: (index) => virtualizer.scrollToIndex(index, { align: 'auto' }),
  };
}
