// Line icons, drawn for a 16 px box; they carry no meaning of their own, a word always stands beside or in their label.
const paths = {
  overview: 'M2.5 2.500h4.500v6h-4.500zM9 2.500h4.500v3.500h-4.500zM9 8h4.500v5.500h-4.500zM2.500 10.500h4.500v3h-4.500z',
  clusters: 'M8 1.800l5.400 3.100v6.200L8 14.200l-5.400-3.100V4.900zM8 8l5.200-3M8 8v6M8 8L2.800 5',
  nodes: 'M2.500 3h11v4h-11zM2.500 9h11v4h-11zM5 5h.01M5 11h.01M8 5h3.500M8 11h3.500',
  workloads: 'M8 2l6 3-6 3-6-3zM2.500 8L8 10.800 13.500 8M2.500 11L8 13.800 13.500 11',
  pods: 'M8 1.800l5.500 2.700v7L8 14.200l-5.500-2.700v-7zM2.700 4.700L8 7.300l5.300-2.600M8 7.300V14',
  operations: 'M3.500 3v10M3.500 4.500h.01M6.500 4h7M6.500 8h7M6.500 12h4.500M2 4a1.500 1.500 0 1 0 3 0a1.500 1.500 0 1 0-3 0M2 8a1.500 1.500 0 1 0 3 0a1.500 1.500 0 1 0-3 0M2 12a1.500 1.500 0 1 0 3 0a1.500 1.500 0 1 0-3 0',
  users: 'M5.800 7.500a2.500 2.500 0 1 0 0-5a2.500 2.500 0 0 0 0 5zM1.500 13.500c0-2.600 1.800-4 4.300-4s4.300 1.400 4.300 4M10.500 7.300a2.200 2.200 0 1 0-.6-4.300M11.500 9.700c1.800.3 3 1.600 3 3.800',
  search: 'M7 11.500a4.500 4.500 0 1 0 0-9a4.500 4.500 0 0 0 0 9zM10.300 10.300l3.700 3.700',
  down: 'M4 6l4 4 4-4',
  right: 'M6 4l4 4-4 4',
  more: 'M3 4.500h10M3 8h10M3 11.500h10',
  check: 'M3 8.500l3.200 3.200L13 4.800',
  cross: 'M4 4l8 8M12 4l-8 8',
  minus: 'M4 8h8',
  back: 'M3.500 6.500h6a3.500 3.500 0 0 1 0 7h-3M6 4L3.500 6.500 6 9',
  copy: 'M5.500 5.500h7.500v8h-7.500zM3 10.500v-8h7.500',
  link: 'M6.800 9.200l2.400-2.400M7.300 4.700l1.700-1.700a2.800 2.800 0 0 1 4 4l-1.700 1.700M8.700 11.300l-1.700 1.700a2.800 2.800 0 0 1-4-4l1.700-1.700',
  print: 'M4.500 6v-3.500h7v3.500M4.500 11.500h-2.500v-5.500h12v5.500h-2.500M4.500 9.500h7v4h-7z',
  sun: 'M8 10.800a2.800 2.800 0 1 0 0-5.600a2.800 2.800 0 0 0 0 5.600zM8 1.500v1.500M8 13v1.500M1.500 8h1.500M13 8h1.500M3.400 3.400l1 1M11.600 11.600l1 1M12.600 3.400l-1 1M4.400 11.600l-1 1',
  moon: 'M13.200 9.700A5.700 5.700 0 0 1 6.300 2.800a5.700 5.700 0 1 0 6.900 6.900z',
  auto: 'M8 14a6 6 0 1 0 0-12a6 6 0 0 0 0 12zM8 2v12M8 5l4.500 0M8 8h6M8 11h4.500',
  me: 'M8 8a2.800 2.800 0 1 0 0-5.600a2.800 2.800 0 0 0 0 5.600zM2.800 13.800c0-3 2.200-4.500 5.200-4.500s5.200 1.500 5.200 4.500',
  table: 'M2.500 3h11v10h-11zM2.500 6.300h11M2.500 9.700h11',
  columns: 'M2.500 3h3v10h-3zM6.500 3h3v7h-3zM10.500 3h3v8.500h-3z',
  cordon: 'M8 14a6 6 0 1 0 0-12a6 6 0 0 0 0 12zM3.800 3.800l8.400 8.400',
  arrow: 'M3 8h10M9 4l4 4-4 4',
  up: 'M8 13V3.500M4 7.500l4-4 4 4',
  sortdown: 'M8 3v9.500M4 8.500l4 4 4-4',
  warn: 'M8 2.500l6 11h-12zM8 6.500v3.500M8 11.800v.01',
  info: 'M8 14a6 6 0 1 0 0-12a6 6 0 0 0 0 12zM8 7.300v3.700M8 5v.01',
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={paths[name]} />
    </svg>
  );
}

export function Brand() {
  return (
    <svg class="brand-mark" width="22" height="22" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect width="32" height="32" rx="7" class="sea" />
      <path d="M6 20h20l-3.200 5.200H9.400z" class="hull" />
      <path d="M15 5.500v12.500H7.600z" class="hull" />
      <path d="M17 8.500v9.500h6.200z" class="jib" />
    </svg>
  );
}
