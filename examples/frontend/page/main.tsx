import { createRoot } from 'react-dom/client';
import { VerificationPage } from './verification-page.tsx';

const root = document.querySelector('#root');
if (root) createRoot(root).render(<VerificationPage />);
