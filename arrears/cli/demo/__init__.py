"""`arrears demo`: the whole of Arrears with an outside world in a box, a portfolio of overdue loans and days that last seconds."""
