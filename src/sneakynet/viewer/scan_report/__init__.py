"""One scan's bones on a page: pictures, joints, figures, and what should be looked at."""
