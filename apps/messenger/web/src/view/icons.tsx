import type { ReactNode } from 'react'

function Icon({ children, className = '' }: { children: ReactNode; className?: string }) {
  return (
    <svg className={`icon ${className}`} viewBox="0 0 20 20" aria-hidden="true" focusable="false">
      {children}
    </svg>
  )
}

export const BrandMark = () => (
  <svg className="brand-mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
    <rect width="32" height="32" rx="9" />
    <path d="M10 22V11.5L22 20.5V10" />
    <circle cx="10" cy="22" r="2.6" />
    <circle cx="22" cy="10" r="2.6" />
  </svg>
)

export const MenuIcon = () => (
  <Icon>
    <path d="M3 6h14M3 10h14M3 14h9" />
  </Icon>
)
export const PeopleIcon = () => (
  <Icon>
    <circle cx="7.5" cy="7" r="3" />
    <path d="M2 16.5c.4-3 2.5-4.7 5.5-4.7s5.100 1.700 5.500 4.700M13 4.300a3 3 0 0 1 0 5.400M15 12.300c1.700.7 2.700 2.100 3 4.200" />
  </Icon>
)
export const CloseIcon = () => (
  <Icon>
    <path d="m5 5 10 10M15 5 5 15" />
  </Icon>
)
export const DownIcon = () => (
  <Icon>
    <path d="M10 4v12M5 11l5 5 5-5" />
  </Icon>
)
export const ClockIcon = () => (
  <Icon>
    <circle cx="10" cy="10" r="7" />
    <path d="M10 6v4.200l2.700 1.600" />
  </Icon>
)
export const WarningIcon = () => (
  <Icon>
    <path d="M10 3 18 16.500H2zM10 8v4M10 14.200v.2" />
  </Icon>
)

/** Four shapes, so that the state can be read without colour: full disc, broken ring, empty ring with a bar, square. */
export const ConnectedShape = () => (
  <Icon className="shape">
    <circle cx="10" cy="10" r="7" className="filled" />
    <path d="m6.800 10.300 2.200 2.200 4.200-4.600" className="knockout" />
  </Icon>
)
export const ConnectingShape = () => (
  <Icon className="shape turning">
    <circle cx="10" cy="10" r="6.500" strokeDasharray="7 6.600" />
  </Icon>
)
export const OfflineShape = () => (
  <Icon className="shape">
    <circle cx="10" cy="10" r="6.500" />
    <path d="m5.500 14.500 9-9" />
  </Icon>
)
export const EndedShape = () => (
  <Icon className="shape">
    <rect x="3.500" y="3.500" width="13" height="13" rx="2" className="filled" />
    <path d="m7 7 6 6M13 7l-6 6" className="knockout" />
  </Icon>
)
